/** What a writer or a reader is to do. */
export interface Orders {
  readonly path: string
  readonly names: readonly string[]
  readonly rotations: number
  readonly id?: number
}

export const writersKey: Uint8Array = Uint8Array.from({ length: 32 }, (_, at) => 0xf0 ^ (at * 37))
const fillerLength = 500

/** Begins and ends with the same text, so that a torn or mixed value shows. */
export function wholeValue(label: string): string {
  return `${label}|${'x'.repeat(fillerLength)}|${label}`
}

export function isWhole(value: string | Uint8Array): boolean {
  const [first, filler, last, ...rest] = String(value).split('|')
  return first === last && filler?.length === fillerLength && rest.length === 0
}
