package shortbreaks

import _ "embed"

// OpenAPI is the contract, written before the code: operations, shapes, roles
// and the list of problem codes.
//
//go:embed openapi.yaml
var OpenAPI []byte
