// Scripts and documents that a construct ships are files of their own; importing one gives its text.
declare module '*.sh' {
  const text: string;
  export default text;
}
declare module '*.py' {
  const text: string;
  export default text;
}
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
declare module '*.txt' {
  const text: string;
  export default text;
}
declare module '*.toml' {
  const text: string;
  export default text;
}
declare module '*.md' {
  const text: string;
  export default text;
}
