/** Lines of anybody's text as markdown that shows exactly them: no links, no images, no markup. The first is the heading. */
export function plainMarkdown(lines: readonly string[]): string {
  return lines.map((line, index) => (index === 0 ? `**${escaped(line)}**` : escaped(line))).join('  \n');
}

// Every ASCII punctuation mark may be escaped in markdown, and letters alone make no markup.
const escaped = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[!-/:-@[-`{-~]/g, '\\$&') || '–';
