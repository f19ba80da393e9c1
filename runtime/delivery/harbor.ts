import type { JsonApi } from './forge/http.ts';

/** Makes sure that the registry has a private project; true when it was made by this call. */
export async function ensureHarborProject(api: JsonApi, name: string): Promise<boolean> {
  const query = new URLSearchParams({ name });
  const found = await api.get<ReadonlyArray<{ readonly name: string }> | undefined>(`/api/v2.0/projects?${query}`);
  if (found?.some((project) => project.name === name)) return false;
  await api.send('POST', '/api/v2.0/projects', {
    project_name: name,
    metadata: { public: 'false', auto_scan: 'true' },
  });
  return true;
}
