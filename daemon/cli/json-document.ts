/** JSON for a screen: characters that could turn or hide text there are escaped, which JSON allows anywhere in a string. */
export const escapedJson = (value: unknown, indent = 0): string =>
  JSON.stringify(value, undefined, indent).replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, escaped);

const escaped = (character: string): string =>
  [...Array(character.length).keys()].map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
