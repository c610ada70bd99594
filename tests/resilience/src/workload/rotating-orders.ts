import type { TrailFolder } from './trail-folder.ts'

export interface RotatingOrders extends TrailFolder {
  /** The file with the keys of names of persons. */
  readonly names: string
}

/** Who a record is by. */
export function personOf(record: string): string {
  return `person of ${record}`
}
