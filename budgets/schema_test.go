package budgets_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

func TestModelsMatchTheSchema(t *testing.T) {
	w := setup(t)
	columns := func(table string) (names []string) {
		require.NoError(t, w.owner.QueryRow(w.ctx, `SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = $1`, table).Scan(&names))
		return names
	}
	require.NoError(t, w.d.Read(w.ctx, db.Scope{}, func(tx *db.Tx) error {
		for _, model := range []any{budgets.Family{}, budgets.Child{}, budgets.Member{}, budgets.Period{}, budgets.Plan{}} {
			stmt := tx.Model(model).Statement
			require.NoError(t, stmt.Parse(model))
			require.ElementsMatch(t, columns(stmt.Schema.Table), stmt.Schema.DBNames, stmt.Schema.Table)
		}
		return nil
	}))
	// A line is read with pgx, which takes each field from the column of its
	// name; plan_type is its plan's.
	var fields []string
	for i := range reflect.TypeFor[budgets.PlanLine]().NumField() {
		fields = append(fields, strings.ToLower(reflect.TypeFor[budgets.PlanLine]().Field(i).Name))
	}
	var bare []string
	for _, c := range append(columns("plan_line"), "plan_type") {
		bare = append(bare, strings.ReplaceAll(c, "_", ""))
	}
	require.ElementsMatch(t, bare, fields)
}

// The words this package checks are those of the contract.
func TestWordsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	for schema, words := range budgets.Words() {
		found := regexp.MustCompile(`(?m)^    ` + schema + `:\n(?:      .*\n)*?      enum: \[([^\]]*)\]`).FindSubmatch(shortbreaks.OpenAPI)
		require.NotNil(t, found, schema)
		require.ElementsMatch(t, strings.Split(string(found[1]), ", "), words, schema)
	}
}

// tenantRows has a row of the north in every table this package writes, and
// in those of its money.
func (w *world) tenantRows() map[string]string {
	w.Helper()
	w.line(w.ada, nil)
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 1_000)
	require.NoError(w, w.in(w.north, func(tx *db.Tx) error {
		return budgets.AddMember(w.ctx, tx, budgets.Member{AuthorityID: w.north, FamilyID: w.ada.FamilyID, PersonID: w.parent.Person})
	}))
	w.exec(`INSERT INTO tenant_setting VALUES ($1, 'request_hours', '2026-01-01', '24')`, w.north)
	return map[string]string{
		"family": "id = id", "child": "first_name = 'X'", "family_member": "relation = 'X'", "period": "name = 'X'", "plan": "plan_type = 'other'",
		"plan_line": "limit_amount = 0", "tenant_setting": "value = '1'", "account": "balance = 0", "allocation": "", "ledger_transaction": "",
		"ledger_entry": "",
	}
}

// The database itself keeps authorities apart: here nothing of ours runs but
// the schema.
func TestRowsAreOutOfReachOfOtherAuthorities(t *testing.T) {
	w := setup(t)
	tables := w.tenantRows()
	count := func(tx pgx.Tx, table string) (n int) {
		require.NoError(t, tx.QueryRow(w.ctx, `SELECT count(*) FROM `+table+` WHERE authority_id = $1`, w.north).Scan(&n))
		return n
	}
	scope := func(tx pgx.Tx, authorities string) {
		_, err := tx.Exec(w.ctx, `SELECT set_config('role', $1, true), set_config('app.authorities', $2, true)`, db.Role, authorities)
		require.NoError(t, err)
	}
	for table, change := range tables {
		var enabled, forced bool
		require.NoError(t, w.owner.QueryRow(w.ctx, `SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = $1`, table).Scan(&enabled, &forced))
		require.True(t, enabled && forced, table)
		dbtest.As(t, w.d, func(tx pgx.Tx) {
			_, err := tx.Exec(w.ctx, `SELECT set_config('role', $1, true)`, db.Role)
			require.NoError(t, err)
			require.Zero(t, count(tx, table), "%s without a scope", table)
			for _, scopeless := range []string{"", uuid.Nil.String(), w.south.String()} {
				scope(tx, scopeless)
				require.Zero(t, count(tx, table), "%s in scope %q", table, scopeless)
				if change != "" {
					tag, err := tx.Exec(w.ctx, `UPDATE `+table+` SET `+change+` WHERE authority_id = $1`, w.north)
					require.NoError(t, err)
					require.Zero(t, tag.RowsAffected(), "%s of others changed", table)
				}
			}
			scope(tx, w.north.String())
			require.Positive(t, count(tx, table), "%s in its own scope", table)
		})
	}
}

func TestRowsCannotBeWrittenIntoAnotherAuthority(t *testing.T) {
	w := setup(t)
	w.tenantRows()
	for name, statement := range map[string]string{
		"child":          `INSERT INTO child (authority_id, id, family_id, first_name, family_name, date_of_birth) SELECT $1, gen_random_uuid(), $2, 'X', 'X', '2016-01-01'`,
		"family":         `INSERT INTO family (authority_id, id) VALUES ($1, $2)`,
		"period":         `INSERT INTO period (authority_id, id, name, starts_on, ends_on) VALUES ($1, $2, 'X', '2030-01-01', '2030-12-31')`,
		"plan":           `INSERT INTO plan (authority_id, id, child_id, plan_type, created_at) VALUES ($1, gen_random_uuid(), $2, 'isp', now())`,
		"account":        `INSERT INTO account (authority_id, id, kind, unit, has_floor) VALUES ($1, $2, 'bank', 'pence', false)`,
		"tenant_setting": `INSERT INTO tenant_setting SELECT $1, $2::text, '2026-01-01', '1'`,
	} {
		dbtest.As(t, w.d, func(tx pgx.Tx) {
			_, err := tx.Exec(w.ctx, `SELECT set_config('role', $1, true), set_config('app.authorities', $2, true)`, db.Role, w.south.String())
			require.NoError(t, err)
			_, err = tx.Exec(w.ctx, statement, w.north, w.ada.FamilyID.String())
			require.ErrorContains(t, err, "row-level security", name)
		})
	}
	// Nor can a row be carried over the border.
	dbtest.As(t, w.d, func(tx pgx.Tx) {
		_, err := tx.Exec(w.ctx, `SELECT set_config('role', $1, true), set_config('app.authorities', $2, true)`, db.Role, w.south.String())
		require.NoError(t, err)
		_, err = tx.Exec(w.ctx, `UPDATE family SET authority_id = $1`, w.north)
		require.ErrorContains(t, err, "row-level security")
	})
}

func TestSettingsHoldFromTheirDay(t *testing.T) {
	w := setup(t)
	on := func(date string) (s budgets.Settings, err error) {
		err = w.in(w.north, func(tx *db.Tx) (err error) {
			s, err = budgets.SettingsOn(w.ctx, tx, w.north, day(date))
			return err
		})
		return s, err
	}
	hours := func(s budgets.Settings) [4]float64 {
		return [4]float64{s.QuoteLasts.Hours(), s.RequestWithin.Hours(), s.RegisterWithin.Hours(), s.AutoConfirmAfter.Hours()}
	}
	s, err := on("2027-01-04")
	require.NoError(t, err)
	require.Equal(t, [4]float64{0.5, 48, 48, 168}, hours(s), "the defaults")
	for _, set := range [][3]string{
		{"request_hours", "2026-01-01", "24"},
		{"request_hours", "2027-02-01", "72"},
		{"quote_minutes", "2026-01-01", "60"},
		{"register_days", "2026-01-01", "1"},
		{"auto_confirm_days", "2027-02-01", "14"},
		{"colour", "2026-01-01", `"blue"`},
	} {
		w.exec(`INSERT INTO tenant_setting VALUES ($1, $2, $3::text::date, $4::text::jsonb)`, w.north, set[0], set[1], set[2])
	}
	w.exec(`INSERT INTO tenant_setting VALUES ($1, 'request_hours', '2026-06-01', '1')`, w.south)
	for date, want := range map[string][4]float64{
		"2025-12-31": {0.5, 48, 48, 168}, "2026-01-01": {1, 24, 24, 168}, "2027-01-31": {1, 24, 24, 168}, "2027-02-01": {1, 72, 24, 336},
	} {
		s, err := on(date)
		require.NoError(t, err)
		require.Equal(t, want, hours(s), date)
	}
	require.NoError(t, w.in(w.north, func(tx *db.Tx) error {
		if err := tx.EnterAuthority(w.ctx, w.south); err != nil {
			return err
		}
		of, err := budgets.SettingsOfEach(w.ctx, tx, []uuid.UUID{w.north, w.south}, day("2027-01-31"))
		require.Equal(t, [4]float64{1, 24, 24, 168}, hours(of[w.north]))
		require.Equal(t, [4]float64{0.5, 1, 48, 168}, hours(of[w.south]), "each its own")
		return err
	}))
	for _, bad := range []string{`0`, `-1`, `1.5`, `"24"`, `null`, `100000`} {
		w.exec(`INSERT INTO tenant_setting VALUES ($1, 'request_hours', '2028-01-01', $2::text::jsonb)
			ON CONFLICT (authority_id, name, valid_from) DO UPDATE SET value = excluded.value`, w.north, bad)
		_, err := on("2028-01-01")
		require.ErrorContains(t, err, "request_hours", bad)
	}
}
