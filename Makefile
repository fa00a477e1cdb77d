# Two commands matter: `make run` starts the product with demo data, `make test`
# installs what it needs and runs everything.

GO        ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# The race detector watches our code, not SQLite's: translated C reads and writes bytes one by
# one, and watching that takes three times as long and has nothing to say about Go.
UNWATCHED = modernc.org/...=-race=false -d=checkptr=0
VENDOR    = internal/web/static/vendor/htmx.min.js

.PHONY: run build test check bench clean

run: build
	./bin/dingdong serve --demo

build: $(VENDOR)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/dingdong ./cmd/dingdong

# Browser libraries come from npm at build time, in exact versions, never committed.
$(VENDOR): package.json package-lock.json scripts/static.sh
	./scripts/static.sh

test: $(VENDOR)
	./scripts/test-machine.sh
	$(MAKE) check
	./scripts/vulnerable.sh
	node --test internal/web/static/chat/chat_test.mjs internal/web/static/inbox_test.mjs
	$(GO) test -race -gcflags='$(UNWATCHED)' -timeout 30m ./...

# What needs no server: format, tidy modules, vet, static analysis.
check: $(VENDOR)
	@test -z "$$(gofmt -l cmd internal examples)" || { gofmt -l cmd internal examples; echo 'run gofmt -w'; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

bench: build
	$(GO) run ./cmd/bench -binary bin/dingdong -out docs/performance.md

clean:
	rm -rf bin node_modules internal/web/static/vendor
