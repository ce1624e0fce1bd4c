// Package gen is generated from openapi.yaml: the types of the contract and
// the server interface that api implements. Nothing here is written by hand.
package gen

//go:generate sh -c "cd ../.. && go tool oapi-codegen -config api/gen/config.yaml openapi.yaml"
