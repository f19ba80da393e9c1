import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { deskSettings } from '../../model/desk/settings.ts';
import { parseSettings } from '../../model/problems.ts';
import style from './page/page.css';
import { deskServer } from './server/desk-server.ts';
import { jsonLog } from './server/log.ts';
import { httpRecorder } from './server/recorder.ts';

const usage = `usage: desk serve --settings FILE [--port PORT] [--host ADDRESS]
FILE is settings.json; desk-page.js and desk-dashboard.js are looked for beside this program.
`;

function main(args: readonly string[]): void {
  const options = optionsOf(args);
  if (args[0] !== 'serve' || options.settings === undefined) {
    process.stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  const settings = parseSettings(
    'settings of the desk',
    deskSettings,
    JSON.parse(readFileSync(options.settings, 'utf8')),
  );
  const log = jsonLog(
    (line) => process.stdout.write(line),
    () => new Date(),
  );
  const beside = (file: string) => readFileSync(path.join(path.dirname(process.argv[1]!), file), 'utf8');
  const server = deskServer({
    settings,
    log,
    files: { page: beside('desk-page.js'), dashboard: beside('desk-dashboard.js'), style },
    recorder: settings.recorderUrl === undefined ? undefined : httpRecorder(settings.recorderUrl),
  });
  const port = Number(options.port ?? 8080);
  server.listen(port, options.host ?? '0.0.0.0', () =>
    log.info('the desk listens', { port: (server.address() as AddressInfo).port }),
  );
  const stop = () => {
    log.info('the desk stops');
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    // Watches of browsers never end by themselves.
    setTimeout(() => server.closeAllConnections(), 5000).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function optionsOf(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options: Record<string, string | undefined> = {};
  args.forEach((argument, index) => {
    if (argument.startsWith('--')) options[argument.slice(2)] = args[index + 1];
  });
  return options;
}

main(process.argv.slice(2));
