import { exitCode, ProgramEnd, runProgram } from '../program/exit.ts';
import { metricsServer } from './server.ts';

void runProgram('dagster-metrics', async () => {
  const url = process.env.DAGSTER_URL;
  if (!url) throw new ProgramEnd(exitCode.usage, 'DAGSTER_URL is not set; give the address of the web server');
  const server = metricsServer(url);
  const port = Number(process.env.PORT ?? 9100);
  server.listen(port, () => console.log(`serving /metrics on ${port}`));
  process.once('SIGTERM', () => server.close());
});
