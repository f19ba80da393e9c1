import { createServer, type Server } from 'node:http';
import { HttpSession } from '../forge-setup/http.ts';
import { type Answer, metricsText, query } from './metrics.ts';

/** Serves what Dagster says of itself at /metrics; /healthz says that this program runs. */
export function metricsServer(dagsterUrl: string): Server {
  const dagster = new HttpSession(dagsterUrl);
  return createServer((request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
    };
    if (request.url === '/healthz') return answer(200, 'ok\n');
    if (request.url !== '/metrics') return answer(404, 'there is /metrics\n');
    dagster
      .send('POST', '/graphql', { json: { query } })
      .then((reply) => answer(200, `${metricsText(JSON.parse(reply.body) as Answer)}dagster_up 1\n`))
      .catch((error: Error) => answer(200, `# ${error.message.replaceAll('\n', ' ')}\ndagster_up 0\n`));
  });
}
