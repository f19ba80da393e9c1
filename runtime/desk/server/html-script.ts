/**
 * Puts one script right behind `<head>`, so that it runs before the application's own.
 *
 * @returns undefined if the document has no head: it then stays as it is
 */
export function insertScript(html: string, address: string): string | undefined {
  const head = /<head(?:\s[^>]*)?>/i.exec(html);
  if (!head) return undefined;
  const end = head.index + head[0].length;
  return `${html.slice(0, end)}<script src="${address}"></script>${html.slice(end)}`;
}
