/** Parts of a document by the name in their markers, each on a line of its own: `<!-- name -->` … `<!-- /name -->`. */
export type Blocks = Record<string, () => string>;

/**
 * The document with each block as the code declares it.
 * @throws Error that names a block whose markers are missing.
 */
export function withBlocks(document: string, file: string, blocks: Blocks): string {
  return Object.entries(blocks).reduce((text, [name, block]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(start), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${file} has no place for ${name}: put ${start} and ${end} on lines of their own`);
    return `${text.slice(0, from + start.length)}\n${block()}\n${text.slice(to)}`;
  }, document);
}
