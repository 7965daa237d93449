/** JSON of somebody else's. Undefined when it is none: a schema says the rest. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
