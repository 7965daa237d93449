/** Where the page's files are, as the editor serves them. */
export interface PageFiles {
  /** The editor's own origin of such files: `webview.cspSource`. */
  cspSource: string;
  script: string;
  style: string;
  /** Fresh for every page: at least 128 random bits. */
  nonce: string;
}

/** Nothing but our own script, style sheet and font; no network at all. */
export const contentSecurityPolicy = ({ cspSource, nonce }: Pick<PageFiles, 'cspSource' | 'nonce'>): string =>
  [`default-src 'none'`, `style-src ${cspSource}`, `font-src ${cspSource}`, `script-src 'nonce-${nonce}'`].join('; ');

/** The page's document. All that it shows comes by messages. */
export function auditHtml(files: PageFiles): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(contentSecurityPolicy(files))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit</title>
<link rel="stylesheet" href="${escaped(files.style)}">
</head>
<body>
<div id="audit"></div>
<script nonce="${escaped(files.nonce)}" src="${escaped(files.script)}"></script>
</body>
</html>
`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (mark) => ENTITIES[mark] ?? mark);
