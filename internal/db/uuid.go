package db

import (
	"encoding/binary"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Ids are most of what travels to and from PostgreSQL. pgx would write each as
// text and let PostgreSQL read it; here they go as the sixteen bytes they are.

// sendIDsAsBytes teaches a connection to do so.
func sendIDsAsBytes(conn *pgx.Conn) {
	one := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: idCodec{}}
	conn.TypeMap().RegisterType(one)
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: idsCodec{&pgtype.ArrayCodec{ElementType: one}},
	})
}

type idCodec struct{ pgtype.UUIDCodec }

// PlanEncode is for pgx.
func (c idCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return writeID{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

// PlanScan is for pgx.
func (c idCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return readID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type (
	writeID struct{}
	readID  struct{}
)

// Encode is for pgx.
func (writeID) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(uuid.UUID)
	return append(buf, id[:]...), nil
}

// Scan is for pgx; NULL is the zero id.
func (readID) Scan(src []byte, target any) error {
	id := target.(*uuid.UUID)
	if src == nil {
		*id = uuid.Nil
		return nil
	}
	read, err := uuid.FromBytes(src)
	*id = read
	return err
}

type idsCodec struct{ *pgtype.ArrayCodec }

// PlanEncode is for pgx.
func (c idsCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case []uuid.UUID:
			return writeIDs{}
		case []*uuid.UUID:
			return writeOptionalIDs{}
		}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type (
	writeIDs         struct{}
	writeOptionalIDs struct{}
)

// Encode is for pgx; a nil slice is NULL, as everywhere in pgx.
func (writeIDs) Encode(value any, buf []byte) ([]byte, error) {
	ids := value.([]uuid.UUID)
	if ids == nil {
		return nil, nil
	}
	buf = beginArray(buf, len(ids), false)
	for i := range ids {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(ids[i])))
		buf = append(buf, ids[i][:]...)
	}
	return buf, nil
}

// Encode is for pgx.
func (writeOptionalIDs) Encode(value any, buf []byte) ([]byte, error) {
	ids := value.([]*uuid.UUID)
	if ids == nil {
		return nil, nil
	}
	buf = beginArray(buf, len(ids), true)
	for _, id := range ids {
		if id == nil {
			buf = binary.BigEndian.AppendUint32(buf, math.MaxUint32) // a length of -1
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(id)))
		buf = append(buf, id[:]...)
	}
	return buf, nil
}

// beginArray writes the head of an array of ids as PostgreSQL sends arrays.
func beginArray(buf []byte, n int, mayHaveNulls bool) []byte {
	dimensions, nulls := uint32(1), uint32(0)
	if n == 0 {
		dimensions = 0
	}
	if mayHaveNulls {
		nulls = 1
	}
	buf = binary.BigEndian.AppendUint32(buf, dimensions)
	buf = binary.BigEndian.AppendUint32(buf, nulls)
	buf = binary.BigEndian.AppendUint32(buf, pgtype.UUIDOID)
	if n == 0 {
		return buf
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(n)) //nolint:gosec // a batch has far fewer
	return binary.BigEndian.AppendUint32(buf, 1)        // where counting begins
}
