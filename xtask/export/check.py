"""Records with the real binary, exports every table, and reads the files with pandas, polars and DuckDB.

Types must be the ones that docs/schema.md promises, values those that SQLite has. Called by `cargo xtask export-check`
with the path of the binary. A library that is not there is skipped, and that is said.
"""

import datetime as dt
import decimal
import importlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

DAY = "2026-11-20"
JST = dt.timezone(dt.timedelta(hours=9))
TIMES = {"ts", "ts_start", "ts_end", "ts_window_start", "ts_window_end", "last_signal_ts"}
DATES = {"trading_date"}
PRICES = {"last_price", "bid1", "ask1"}
WHOLE = {"vol_sum", "volume"}
TABLES = ["tick_batch", "orderbook_snapshot", "features_stream", "volume_ledger", "window_log", "stream_state"]


def kind(column, declared):
    """What docs/schema.md says about a column."""
    if column in TIMES:
        return "time"
    if column in DATES:
        return "date"
    if column in PRICES:
        return "price"
    if column in WHOLE or declared.startswith("INT"):
        return "int"
    return {"REAL": "real", "TEXT": "text"}[declared]


def python_value(kind, value):
    """A value of SQLite as a reader of a typed file expects it."""
    if value is None or (kind == "time" and value == ""):
        return None
    if kind == "time":
        return dt.datetime.fromisoformat(value)
    if kind == "date":
        return dt.date.fromisoformat(value)
    if kind == "price":
        return decimal.Decimal(str(value)).quantize(decimal.Decimal("0.0001"))
    if kind == "int":
        return int(value)
    return value


class Desk:
    """A folder with a recorded database and its exports."""

    def __init__(self, ayumi, folder):
        self.ayumi, self.folder = ayumi, pathlib.Path(folder)
        self.db = self.folder / "ticks.db"

    def run(self, *args):
        done = subprocess.run([self.ayumi, *args], cwd=self.folder, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "WARN" not in done.stderr, done.stderr

    def record(self):
        settings = {"mode": "mock", "symbols": ["7203", "9984", "285A"], "db_path": "ticks.db", "log_path": "a.log"}
        (self.folder / "c.json").write_text(json.dumps(settings), encoding="utf-8")
        self.run("stream", "-Config", "c.json", "--mode", "mock", "--seed", "1", "--duration", "3s",
                 "--clock", f"{DAY}T10:00:00@1")
        # What a generated market never has: unknown books, volume without a tick, a burst, finer prices.
        late = [f"{DAY}T15:00:00.{n}00+09:00" for n in (0, 3)]
        db = sqlite3.connect(self.db)
        with db:
            db.execute("INSERT INTO orderbook_snapshot (ticker, ts) VALUES ('7203', ?)", late[1:])
            db.execute("INSERT INTO tick_batch VALUES ('167060019@23', ?, ?, 1, 0, 0, 12345678, 2844.0556, 1, 1)", late)
            db.execute("INSERT INTO features_stream (ticker, ts, uptick_ratio, vol_sum, burst_buy, last_signal_ts) "
                       "VALUES ('9984', ?, 0.1, 300.0, 1, ?)", late[::-1])
            db.execute("INSERT INTO volume_ledger VALUES ('7203', ?, 'decrease', -200.0, ?, ?, 1)", [DAY, *late])
            db.execute("INSERT INTO stream_state (ticker, trading_date, window_id) VALUES ('9999', ?, 1)", [DAY])
        db.close()

    def export(self, table, name, *more):
        self.run("export", "-Config", "c.json", "--table", table, "--date", DAY, "--out", name, *more)
        return self.folder / name

    def table(self, table):
        """Kinds of the columns and the rows as Python values."""
        db = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        kinds = {name: kind(name, declared) for _, name, declared, *_ in db.execute(f"PRAGMA table_info({table})")}
        order = "ticker" if table == "stream_state" else "rowid"
        rows = db.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
        db.close()
        assert rows, f"{table} is empty"
        return kinds, [tuple(python_value(k, v) for k, v in zip(kinds.values(), row)) for row in rows]


def same(what, found, wanted, floats=False):
    """Row by row, so that a difference is named. CSV readers make floats of decimals, and of whole numbers with gaps."""
    assert len(found) == len(wanted), f"{what}: {len(found)} rows, not {len(wanted)}"
    for at, (a, b) in enumerate(zip(found, wanted)):
        if floats:
            a, b = ([float(v) if isinstance(v, (int, float, decimal.Decimal)) else v for v in row] for row in (a, b))
        assert list(a) == list(b), f"{what}: row {at}\n  {a}\n  {b}"


def with_pandas(pandas, desk, table, kinds, rows):
    frame = pandas.read_parquet(desk.folder / f"{table}.parquet")
    assert list(frame.columns) == list(kinds), frame.columns
    gaps = {name for at, name in enumerate(kinds) if any(row[at] is None for row in rows)}
    for name, kind in kinds.items():
        dtype = str(frame[name].dtype)
        wanted = {
            "time": ["datetime64[ms, UTC]"],
            "date": ["object"],
            "price": ["object"],
            "int": ["float64"] if name in gaps else ["int64"],
            "real": ["float64"],
            "text": ["str", "object"],
        }[kind]
        assert dtype in wanted, f"{table}.{name}: {dtype}"
        assert kind != "price" or isinstance(frame[name].dropna().iloc[0], decimal.Decimal), name
    # Whole numbers with gaps are floats in pandas' own types, which hold 53 bits; Arrow's keep them whole.
    frame = pandas.read_parquet(desk.folder / f"{table}.parquet", dtype_backend="pyarrow")
    values = frame.astype(object).where(frame.notna(), None).itertuples(index=False)
    same(f"pandas, {table}.parquet", [tuple(row) for row in values], rows)
    with_pandas_csv(pandas, desk, table, kinds, rows)


def with_pandas_csv(pandas, desk, table, kinds, rows):
    times = [name for name, kind in kinds.items() if kind in ("time", "date")]
    texts = {name: str for name, kind in kinds.items() if kind == "text"}
    # Before version 3 the last digit of a float was not read exactly unless asked for.
    exact = {"float_precision": "round_trip"} if int(pandas.__version__.split(".")[0]) < 3 else {}
    for name in [f"{table}.csv", f"{table}-excel.csv"]:
        frame = pandas.read_csv(desk.folder / name, dtype=texts, parse_dates=times, **exact)
        for column in times:
            assert str(frame[column].dtype).startswith("datetime64"), f"{name}: {column} {frame[column].dtype}"
        values = []
        for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
            values.append([csv_value(kind, value) for kind, value in zip(kinds.values(), row)])
        same(f"pandas, {name}", values, rows, floats=True)


def csv_value(kind, value):
    """CSV for Excel has no zone, and a date becomes a time."""
    if value is None:
        return None
    if kind == "time":
        return value if value.tzinfo else value.replace(tzinfo=JST)
    return value.date() if kind == "date" and isinstance(value, dt.datetime) else value


def with_polars(polars, desk, table, kinds, rows):
    frame = polars.read_parquet(desk.folder / f"{table}.parquet")
    types = {
        "time": polars.Datetime("ms", "UTC"),
        "date": polars.Date,
        "price": polars.Decimal(18, 4),
        "int": polars.Int64,
        "real": polars.Float64,
        "text": polars.String,
    }
    assert dict(frame.schema) == {name: types[kind] for name, kind in kinds.items()}, frame.schema
    same(f"polars, {table}.parquet", frame.rows(), rows)
    frame = polars.read_csv(desk.folder / f"{table}.csv", try_parse_dates=True, schema_overrides={"ticker": polars.String},
                            infer_schema_length=None)
    for name, kind in kinds.items():
        dtype = frame.schema[name]
        unknown = frame[name].null_count() == len(frame)
        wanted = {"time": polars.Datetime, "date": polars.Date, "price": polars.Float64, "int": polars.Int64,
                  "real": polars.Float64, "text": polars.String}[kind]
        assert unknown or dtype == wanted, f"{table}.csv: {name} is {dtype}"
    values = [[csv_value(kind, value) for kind, value in zip(kinds.values(), row)] for row in frame.rows()]
    same(f"polars, {table}.csv", values, rows, floats=True)


def with_duckdb(duckdb, desk, table, kinds, rows):
    db = duckdb.connect()
    types = {"time": "TIMESTAMP WITH TIME ZONE", "date": "DATE", "price": "DECIMAL(18,4)", "int": "BIGINT",
             "real": "DOUBLE", "text": "VARCHAR"}
    numbers = [[int(v.timestamp() * 1000) if isinstance(v, dt.datetime) else v for v in row] for row in rows]
    empty = {name for at, name in enumerate(kinds) if all(row[at] is None for row in rows)}
    texts = {name: "VARCHAR" for name, kind in kinds.items() if kind == "text"}
    for name in [f"{table}.parquet", f"{table}.csv"]:
        is_csv = name.endswith("csv")
        path = str(desk.folder / name).replace("'", "''")
        source = f"read_csv('{path}', sample_size=-1, types={texts})" if is_csv else f"'{path}'"
        found = {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        assert list(found) == list(kinds), found
        for column, kind in kinds.items():
            wanted = "DOUBLE" if is_csv and kind == "price" else types[kind]
            # Nothing tells the type of an empty CSV column.
            assert found[column] == wanted or is_csv and column in empty, f"{name}: {column} is {found[column]}"
        # Times as numbers: DuckDB's own conversion to Python needs one more package.
        cells = [f'epoch_ms("{column}")' if found[column] == types["time"] else f'"{column}"' for column in kinds]
        values = db.execute(f"SELECT {', '.join(cells)} FROM {source}").fetchall()
        same(f"duckdb, {name}", values, numbers, floats=is_csv)
    db.close()


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"skipped: {name}: {error}")
        return None


def main():
    readers = {"pandas": with_pandas, "polars": with_polars, "duckdb": with_duckdb}
    libraries = {name: library(name) for name in readers}
    if libraries["pandas"] and not library("pyarrow"):
        libraries["pandas"] = None
    with tempfile.TemporaryDirectory(prefix="ayumi-export-") as folder:
        desk = Desk(sys.argv[1], folder)
        desk.record()
        for table in TABLES:
            desk.export(table, f"{table}.parquet")
            desk.export(table, f"{table}.csv")
            assert desk.export(table, f"{table}-excel.csv", "--excel").read_bytes().startswith(b"\xef\xbb\xbf")
            kinds, rows = desk.table(table)
            for name, check in readers.items():
                if libraries[name]:
                    check(libraries[name], desk, table, kinds, rows)
            print(f"ok: {table}: {len(rows)} rows, {len(kinds)} columns")
    versions = [f"{name} {module.__version__}" for name, module in libraries.items() if module]
    print(f"read by {', '.join(versions) or 'nobody'}")


main()
