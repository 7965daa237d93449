/** A style sheet is taken into the bundle by the build; it has no value. */
declare module '*.css';
