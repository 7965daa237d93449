/**
 * Marks that reorder, hide or break text: a name or a reason could use them to look like another one.
 * Joiners stay, because several languages are written with them.
 */
const DECEPTIVE = /(?![\t\n\r\u200c\u200d])[\p{Cc}\p{Cf}]/gu;

/** What people typed, with nothing in it that changes how the rest is read. */
export const visible = (text: string): string => text.toWellFormed().replace(DECEPTIVE, '\ufffd');

/** The same on one line. */
export const oneLine = (text: string): string => visible(text).replace(/[\s\u2028\u2029]+/g, ' ');
