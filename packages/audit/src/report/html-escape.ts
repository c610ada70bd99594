import { seen } from './shown.ts'

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text for an element or a quoted attribute: it can end neither. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => references[character] ?? character)
}

/** Somebody's text in an element: all of it can be seen, and its direction does not reach its neighbours. */
export function isolated(text: string): string {
  return `<bdi>${escaped(seen(text))}</bdi>`
}
