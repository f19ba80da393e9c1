import { project } from './world.ts';

/**
 * Stands for Kargo's dashboard: nodes with the same identities in a graph that mounts and unmounts them, and buttons that
 * send the same requests the same way and show errors as it does. The real one is looked at in test/lab.
 */
export const standInDashboard = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Kargo</title>
<script type="module">
const token = () => localStorage.getItem('auth_token');
const say = (id, text) => { document.getElementById(id).textContent = text; };
async function ask(url, body) {
  try {
    const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token() }, body: body && JSON.stringify(body) });
    const answer = response.headers.get('content-type')?.includes('json') ? await response.json() : {};
    if (!response.ok) return say('toast', answer.error ?? 'error ' + response.status);
    say('page', 'promotion ' + (answer.metadata?.name ?? (answer.promotions ?? []).map((one) => one.metadata.name).join(' ')));
  } catch (error) {
    // As Kargo's: only answers of the API are shown.
    say('page', 'stopped by ' + error.name);
  }
}
const base = '/v1beta1/projects/${project}';
const freight = 'f-paper'.padEnd(40, '2');
const buttons = {
  'Promote to live': () => ask(base + '/stages/live/promotions', { freight }),
  'Promote to paper': () => ask(base + '/stages/paper/promotions', { freight: 'f-beta'.padEnd(40, '3') }),
  'Promote downstream of beta': () => ask(base + '/stages/beta/promotions/downstream', { freight: 'f-beta'.padEnd(40, '3') }),
  'Approve for live': () => ask(base + '/freight/' + freight + '/approve?stage=live'),
  'Mount again': draw,
  'Log in': () => history.pushState(null, '', '/desk/'),
};
function draw() {
  const graph = document.getElementById('graph');
  graph.replaceChildren(...['ci', 'beta', 'paper', 'live'].map((name, index) => {
    const outer = document.createElement('div');
    outer.className = 'react-flow__node';
    outer.style.cssText = 'position:absolute;top:40px;left:' + (20 + index * 190) + 'px';
    const node = document.createElement('div');
    node.id = 'stage/uid-' + name + '/' + name;
    node.className = 'nodrag cursor-default flex items-center';
    node.style.cssText = 'height:90px;width:160px;border:1px solid #888;border-radius:6px;padding:8px;box-sizing:border-box';
    node.textContent = name;
    outer.append(node);
    return outer;
  }));
}
for (const [name, act] of Object.entries(buttons)) {
  const button = document.createElement('button');
  button.textContent = name;
  button.onclick = act;
  document.getElementById('buttons').append(button);
}
draw();
say('page', 'ready');
</script></head>
<body style="font-family:sans-serif"><div id="graph" style="position:relative;height:180px"></div><div id="buttons"></div><p id="page"></p><p id="toast" role="alert"></p></body></html>`;
