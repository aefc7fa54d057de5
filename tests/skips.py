"""A plugin of pytest for `make test-full`: it lists every skip, fails where one is for want of what setup.sh brings, and
counts those for want of what it doesn't bring."""

OUTSIDE = ("../shared", "extension 'excel'", "kserve")


def pytest_configure(config):
    config.option.reportchars += "s"


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not reporter:  # in a worker of pytest-xdist
        return
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    session.config.stash_outside = {want: sum(want in reason for reason in reasons) for want in OUTSIDE}
    lacking = [reason for reason in reasons if is_lacking(reason)]
    if lacking:
        session.exitstatus = 1
        session.config.stash_lacking = len(lacking)


def pytest_terminal_summary(terminalreporter, config):
    for want, count in getattr(config, "stash_outside", {}).items():
        if count:
            terminalreporter.write_line(f"NOT RUN: {count} tests for want of {want}", yellow=True)
    lacking = getattr(config, "stash_lacking", 0)
    if lacking:
        terminalreporter.write_line(f"FAILED: {lacking} skipped for want of packages that scripts/setup.sh full brings", red=True)


def is_lacking(reason):
    return "could not import" in reason or "is not installed" in reason
