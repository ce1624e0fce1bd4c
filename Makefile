# Every command of this project; `make` alone lists them. Settings are
# environment variables (deploy/README.md), arguments go in ARGS:
#     SHORTBREAKS_ADDR=127.0.0.1:9000 make run
#     make test ARGS='-run TestT20 ./...'

.DEFAULT_GOAL := help
.PHONY: help run test check bench audit generate conformance torture build go

SHELL := /bin/sh
# Where Go's own installer puts it, for those who did not change their PATH.
export PATH := $(PATH):/usr/local/go/bin

# Git refuses to speak about a checkout that belongs to somebody else, which is
# usual in CI, and then `go build` fails; such a build does without the
# commit's name.
ifneq ($(shell git status --porcelain >/dev/null 2>&1 && echo yes),yes)
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)
endif

help:
	@echo "make TARGET, where TARGET is"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s%s\n", $$1, $$2 }'

# exec, so that Ctrl-C and TERM reach the service itself and it stops cleanly.
run: build ## start the service with its own PostgreSQL and demo data, and say what to try
	@exec ./bin/shortbreaks demo $(ARGS)

test: go ## vet, then all tests on a real PostgreSQL under the race detector
	@scripts/test.sh $(ARGS)

check: go ## format, vet, lint, generated code, go.mod, the contract and shell scripts
	@scripts/check.sh

bench: build ## measure booking, then searching among 100,000 offers, beside PostgreSQL alone; writes bench/
	@./bin/shortbreaks bench $(ARGS) && exec ./bin/shortbreaks bench search $(ARGS)

audit: build ## prove the books of the database; exits 1 with the rows that do not add up
	@exec ./bin/shortbreaks audit $(ARGS)

generate: go ## write api/gen again from openapi.yaml
	go generate ./...

conformance: go ## lint the contract and run the tests that hold the server against it
	@scripts/conformance.sh $(ARGS)

torture: go ## races, kills and random sequences again and again, with larger numbers
	@scripts/torture.sh $(ARGS)

# Without cgo: one static binary, the same as the image, and no C compiler.
build: go
	@test -d bin || echo "Building; the first time takes a minute or two."
	@CGO_ENABLED=0 go build -trimpath -o bin/shortbreaks ./cmd/shortbreaks

go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is needed: https://go.dev/dl, or 'apt-get install golang' where that is new enough." >&2; exit 1; }
