# What people and CI type. The work is in make/.

.PHONY: run clean-run test lint audit bench prove interop fuzz instructions screenshots doc man api-description

run:
	@make/run.sh

clean-run:
	@rm -rf run

test:
	@make/test.sh

lint:
	@make/lint.sh

audit:
	@make/audit.sh

bench:
	@make/bench.sh $(ARGS)

prove:
	@MINUTES='$(MINUTES)' ONLY='$(ONLY)' SEED='$(SEED)' make/prove.sh

interop:
	@make/interop.sh

instructions:
	@RECORD='$(RECORD)' make/instructions.sh

fuzz:
	@TARGET='$(TARGET)' EACH='$(EACH)' make/fuzz.sh

screenshots:
	@make/screenshots.sh

doc:
	@cargo doc --workspace --no-deps --document-private-items

man:
	@cargo build --quiet --locked --workspace --bins
	@$${CARGO_TARGET_DIR:-target}/debug/waypost man .

api-description:
	@cargo build --quiet --locked --workspace --bins
	@$${CARGO_TARGET_DIR:-target}/debug/waypost openapi >docs/api/openapi.json
