/** The document of the page: everything in it is drawn by its script. */
export function pageDocument(scriptAddress: string, styleAddress: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="same-origin">
<title>Promotion desk</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${styleAddress}">
<script src="${scriptAddress}" defer></script>
</head>
<body>
<noscript>The promotion desk needs JavaScript. The stock Kargo dashboard is at <a href="/">this host</a>.</noscript>
<promotion-desk></promotion-desk>
</body>
</html>
`;
}
