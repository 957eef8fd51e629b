// The comparison of bench_ingest: agent executions by hour, agent and issue type with a 95th percentile, by DuckDB
// straight from NDJSON. Needs the package @duckdb/node-api (npm install @duckdb/node-api; NODE_PATH or the directory
// that it is run from). Prints one line; exits with 1 when the package is not there.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [file, events] = process.argv.slice(2);
let duckdb;
try {
  const here = createRequire(pathToFileURL(`${process.cwd()}/`));
  duckdb = await import(pathToFileURL(here.resolve("@duckdb/node-api")).href);
} catch {
  process.exit(1);
}
const connection = await (await duckdb.DuckDBInstance.create(":memory:")).connect();
await connection.run("SET threads = 2");
const start = performance.now();
const result = await connection.runAndReadAll(`
  SELECT date_trunc('hour', timestamp) AS hour, agent_name, issue_type, count(*) AS n,
         sum(success::INT) AS successes, avg(confidence), approx_quantile(execution_time_ms, 0.95)
  FROM read_json('${file}', format = 'newline_delimited', columns = {event: 'VARCHAR', timestamp: 'TIMESTAMP',
       agent_name: 'VARCHAR', issue_type: 'VARCHAR', success: 'BOOLEAN', confidence: 'DOUBLE',
       execution_time_ms: 'DOUBLE'})
  WHERE event = 'agent_execution' GROUP BY ALL`);
const seconds = (performance.now() - start) / 1000;
console.log(
  `DuckDB over NDJSON, ${events} events: ${(events / seconds / 1e6).toFixed(2)} M events/s to one grouping` +
    ` (${result.getRows().length} groups, ${seconds.toFixed(2)} s)`,
);
