interface Traits {
  class?: string;
  role?: string;
  id?: string;
  title?: string;
  hidden?: boolean;
  tabIndex?: number;
  /** `aria-*` and `data-*` attributes. */
  attributes?: Record<string, string>;
}

/**
 * The only way in which this page makes elements: a tag written in the source, attributes from a closed list, and text as text.
 * Nothing here parses markup.
 */
export function element<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  traits: Traits = {},
  ...inside: (Node | string)[]
): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag);
  const { class: className, attributes = {}, role, ...rest } = traits;
  if (className) made.className = className;
  if (role) made.setAttribute('role', role);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  Object.assign(made, rest);
  made.append(...inside);
  return made;
}
