# Every command of Orderhub. The README explains them; `make` alone lists them.

VENV ?= .venv
PORT ?= 8000
PY = $(VENV)/bin/python
MANAGE = $(PY) manage.py
NEEDS = Orderhub needs Python 3.11 or newer. Install it (Debian and Ubuntu: apt-get install python3 python3-venv), or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3
export PORT CHECK
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL = list
.NOTPARALLEL:
.PHONY: list up test test-long check bench bench-scale soak sizes chaos fuzz migration-drill install migrate serve worker beat runtime development static \
	check-format check-lint check-types check-imports check-migrations check-deploy

list: ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name does; do printf '%-22s %s\n' "$$name" "$$does"; done

# Long-running commands are exec'd: a signal that make passes on must reach the program, not a shell around it.

# --- try it, test it -----------------------------------------------------------------------------------------------

up: runtime ## the whole hub with simulators and a demo scenario, on SQLite (PORT=8000, CHECK=1 ends after it)
	@exec $(MANAGE) up

test: development ## everything on PostgreSQL and Redis, started here, then a part on SQLite (ARGS="-k name")
	@exec $(PY) -m tests.run $(ARGS)

CHECKS = check-format check-lint check-types check-imports check-migrations check-deploy

test-long: development ## the tests marked long, as make test runs the others
	@HUB_TEST_SECONDS=7200 exec $(PY) -m tests.run -m long $(ARGS)

check: development ## format, lint, types, imports, migrations, deployment settings
	@$(MAKE) --no-print-directory --keep-going $(CHECKS) && echo "All checks passed."

check-format:
	@echo "== format: ruff format --check"
	@$(VENV)/bin/ruff format --check .

check-lint:
	@echo "== lint: ruff check"
	@$(VENV)/bin/ruff check .

check-types:
	@echo "== types: mypy"
	@$(MADE) $(VENV)/bin/mypy .

check-imports:
	@echo "== imports: lint-imports"
	@PYTHONPATH=. $(VENV)/bin/lint-imports --no-logo

check-migrations:
	@echo "== migrations: makemigrations --check"
	@$(MADE) DATABASE_URL=sqlite:////dev/null $(MANAGE) makemigrations --check --dry-run

check-deploy:
	@echo "== deployment: manage.py check --deploy, as in production"
	@$(MADE) $(MANAGE) check --deploy --fail-level WARNING

# A production environment with keys made on the spot; nothing listens at its addresses.
MADE = env HUB_SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	HUB_ENCRYPTION_KEYS="made:$$($(PY) -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')" \
	DATABASE_URL=postgres://hub:made@127.0.0.1:5432/hub REDIS_URL=redis://127.0.0.1:6379/0 \
	HUB_PUBLIC_URL=https://hub.example.com HUB_ALLOWED_HOSTS= HUB_FAULT_INJECTION=false

# --- measure it ----------------------------------------------------------------------------------------------------

bench: development ## comparisons with a baseline, 10 minutes at most (ONLY=name)
	@exec $(PY) -m tests.benchmarks $(if $(ONLY),--only "$(ONLY)")

bench-scale: development ## filled databases, kept between runs (ONLY=console)
	@exec $(PY) -m tests.benchmarks.scales $(if $(ONLY),--only "$(ONLY)")

soak: development ## sustained load while partners misbehave, into docs/measured/soak.md (MINUTES=20)
	@exec $(PY) -m tests.benchmarks.soak --minutes $(or $(MINUTES),20)

sizes: development ## what a million orders cost in disk, processor and memory, into docs/measured/scaling.md
	@exec $(PY) -m tests.benchmarks.sizes

chaos: development ## every fault under load, and what came of it, into docs/measured/reliability.md (FAULTS=name,name, POOLER=1)
	@exec $(PY) -m tests.chaos $(if $(FAULTS),--faults "$(FAULTS)") $(if $(POOLER),--pooler) $(ARGS)

fuzz: development ## the tests marked fuzz with many examples, for hours if need be (EXAMPLES=2000)
	@HUB_TEST_EXAMPLES=$(or $(EXAMPLES),2000) HUB_TEST_SECONDS=36000 exec $(PY) -m tests.run -m fuzz $(ARGS)

migration-drill: development ## a tenant moved from proxy to events with faults planted on the way (ORDERS=20000)
	@HUB_TEST_DRILL_ORDERS=$(or $(ORDERS),20000) HUB_TEST_SECONDS=3600 exec $(PY) -m tests.run -m long tests/migration_drill -rA $(ARGS)

# --- run it, configured by the environment only ----------------------------------------------------------------------

install: runtime static ## what production needs: the locked packages and the collected assets

migrate: runtime ## brings the database to this version; safe twice at once
	@$(MANAGE) migrate --no-input

serve: runtime ## the web server (PORT=8000)
	@exec $(MANAGE) serve

worker: runtime ## the workers (QUEUES=inbound or outbound; both by default)
	@exec $(MANAGE) worker --queues "$(QUEUES:both=)"

beat: runtime ## the scheduler
	@exec $(MANAGE) beat

static:
	@$(MADE) $(MANAGE) collectstatic --no-input --verbosity 0

# --- the locked packages --------------------------------------------------------------------------------------------
# Each lock that was installed is kept in $(VENV); a different lock, or a Python that is gone, installs again.

runtime: $(if $(wildcard $(VENV)/bin/python),,$(VENV)/bin/python)
	$(call install_lock,requirements.lock)

development: runtime
	$(call install_lock,requirements-dev.lock)

$(VENV)/bin/python:
	@python="$(PYTHON)"; \
	for candidate in $${python:-python3 python3.14 python3.13 python3.12 python3.11}; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; found=1; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "$(NEEDS)" >&2; exit 1; fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear "$(VENV)" || { \
	  rm -rf "$(VENV)"; echo "This Python cannot make virtual environments. Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

define install_lock
@cmp -s $(1) "$(VENV)/installed-$(1)" || { \
  total=$$(grep -c '^[a-z0-9].*==' $(1)); \
  echo "Installing the $$total packages of $(1) into $(VENV); the first time takes a minute or two"; \
  rm -f "$(VENV)/installed-$(1)" "$(VENV)/done"; \
  { $(PY) -m pip install --no-input --progress-bar off --require-hashes -r $(1) 2>&1 && touch "$(VENV)/done"; } \
  | tee "$(VENV)/install.log" | { count=0; while read -r word name rest; do case $$word in \
      Collecting|Processing) count=$$((count + 1)); name=$${name##*/}; name=$${name%%==*}; \
        [ $$((count % 10)) != 1 ] || echo "  $$count of $$total: $${name%%-[0-9]*}";; \
      Installing) echo "  unpacking them";; \
    esac; done; }; \
  [ -e "$(VENV)/done" ] || { tail -n 15 "$(VENV)/install.log" >&2; \
    echo "Installing $(1) failed, see above; the whole log is $(VENV)/install.log. make $(MAKECMDGOALS) tries again." >&2; exit 1; }; \
  rm "$(VENV)/done"; cp $(1) "$(VENV)/installed-$(1)"; }
endef
