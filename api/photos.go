package api

import (
	"bytes"
	"context"
	"strings"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// UploadPhoto takes a photo as a file. The file is not decoded here.
func (s *Server) UploadPhoto(ctx context.Context, r gen.UploadPhotoRequestObject) (gen.UploadPhotoResponseObject, error) {
	kind, _, _ := strings.Cut(r.ContentType, ";")
	p, err := marketplace.UploadPhoto(ctx, s.DB, who(ctx), r.OfferID, marketplace.NewPhoto{
		AltText: r.Params.AltText, ContentType: strings.ToLower(strings.TrimSpace(kind)), Body: RawBody(ctx),
	})
	if err != nil {
		return nil, err
	}
	location := "/v1/offers/" + r.OfferID.String() + "/photos/" + p.ID.String()
	return gen.UploadPhoto201JSONResponse{Body: photoOut(*p), Headers: gen.UploadPhoto201ResponseHeaders{Location: &location}}, nil
}

// A photo never changes: another picture is another photo. A draft's is not
// for everybody and so is not kept by anybody.
const (
	keepForAYear = "public, max-age=31536000, immutable"
	doNotKeep    = "private, no-store"
)

// GetPhoto sends a photo, or says that the caller has it.
func (s *Server) GetPhoto(ctx context.Context, r gen.GetPhotoRequestObject) (gen.GetPhotoResponseObject, error) {
	small := given(r.Params.Size) == gen.PhotoSizeSmall
	p, err := marketplace.ReadPhoto(ctx, s.DB, who(ctx), r.OfferID, r.PhotoID, small)
	if err != nil {
		return nil, err
	}
	tag, keep := `"`+p.Digest+`"`, doNotKeep
	if p.Public {
		keep = keepForAYear
	}
	if hasTag(given(r.Params.IfNoneMatch), tag) {
		return gen.GetPhoto304Response{Headers: gen.GetPhoto304ResponseHeaders{CacheControl: &keep, ETag: &tag}}, nil
	}
	return gen.GetPhoto200ImageJpegResponse{
		Body: bytes.NewReader(p.JPEG), ContentLength: int64(len(p.JPEG)),
		Headers: gen.GetPhoto200ResponseHeaders{CacheControl: &keep, ETag: &tag},
	}, nil
}

// hasTag reports whether a list of tags, as If-None-Match carries it, has this
// one.
func hasTag(list, tag string) bool {
	for _, one := range strings.Split(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}

// RemovePhoto takes a photo away.
func (s *Server) RemovePhoto(ctx context.Context, r gen.RemovePhotoRequestObject) (gen.RemovePhotoResponseObject, error) {
	if err := marketplace.RemovePhoto(ctx, s.DB, who(ctx), r.OfferID, r.PhotoID); err != nil {
		return nil, err
	}
	return gen.RemovePhoto204Response{}, nil
}

// OrderPhotos shows the photos in another order.
func (s *Server) OrderPhotos(ctx context.Context, r gen.OrderPhotosRequestObject) (gen.OrderPhotosResponseObject, error) {
	o, err := marketplace.OrderPhotos(ctx, s.DB, who(ctx), r.OfferID, r.Body.PhotoIds)
	if err != nil {
		return nil, err
	}
	return gen.OrderPhotos200JSONResponse(offerOut(o)), nil
}
