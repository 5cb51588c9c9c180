from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.template_database import first_worker


def be_first(folder):
    with first_worker(folder) as first:
        return first


def test_of_workers_that_start_at_once_one_alone_migrates(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(be_first, [tmp_path] * 4)) == [False, False, False, True]


def test_after_a_migration_that_failed_the_next_worker_migrates(tmp_path):
    with pytest.raises(ValueError, match="planted"), first_worker(tmp_path):
        raise ValueError("planted")
    assert be_first(tmp_path)
    assert not be_first(tmp_path)


@pytest.mark.both
def test_the_copied_database_misses_no_migration(db):
    from django.core.management import call_command

    call_command("migrate", "--check", "--verbosity", "0")
