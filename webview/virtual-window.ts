/** Rows of equal height in a scrolled box, of which only those in view exist. All lengths in CSS pixels. */
export interface Geometry {
  rows: number;
  rowHeight: number;
  /** Height of the box. */
  view: number;
}

/** Browsers cap the height of an element (Firefox near 17 million): above this the scroll bar is scaled. */
export const TALLEST = 8_000_000;

/** Height of all rows. */
const real = ({ rows, rowHeight }: Geometry): number => rows * rowHeight;

/** Height of the element that is scrolled. */
export const scrolled = (geometry: Geometry): number => Math.min(real(geometry), TALLEST);

const scale = (geometry: Geometry): number => {
  const travel = scrolled(geometry) - geometry.view;
  return travel > 0 ? (real(geometry) - geometry.view) / travel : 1;
};

/** Where the box really is among the rows, for a scroll position. */
export const toReal = (scrollTop: number, geometry: Geometry): number => {
  const end = Math.max(0, real(geometry) - geometry.view);
  return Math.min(Math.max(0, scrollTop * scale(geometry)), end);
};

/** The scroll position for a place among the rows. */
export const toScroll = (top: number, geometry: Geometry): number => {
  const end = Math.max(0, real(geometry) - geometry.view);
  return Math.min(Math.max(0, top), end) / scale(geometry);
};

export interface Span {
  first: number;
  /** After the last one. */
  end: number;
}

/** The rows that are at least partly in view, and `more` on each side. */
export function inView(top: number, geometry: Geometry, more = 0): Span {
  const { rows, rowHeight, view } = geometry;
  const first = Math.min(rows, Math.max(0, Math.floor(top / rowHeight) - more));
  return { first, end: Math.max(first, Math.min(rows, Math.ceil((top + view) / rowHeight) + more)) };
}

/** The nearest place at which a row is fully in view. */
export function reveal(row: number, top: number, { rowHeight, view }: Geometry): number {
  const start = row * rowHeight;
  if (start < top || view < rowHeight) return start;
  return Math.max(top, start + rowHeight - view);
}

/** The row that a key leads to; undefined for a key that does not move. */
export function rowAfter(key: string, row: number, { rows, rowHeight, view }: Geometry): number | undefined {
  const page = Math.max(1, Math.floor(view / rowHeight) - 1);
  const steps: Record<string, number> = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + page,
    PageUp: row - page,
    Home: 0,
    End: rows - 1,
  };
  const to = Object.hasOwn(steps, key) ? steps[key] : undefined;
  return to === undefined || rows === 0 ? undefined : Math.min(rows - 1, Math.max(0, to));
}
