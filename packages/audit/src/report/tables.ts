/** Text, a number, a share from 0 to 1, or a time in epoch milliseconds. */
export interface ReportColumn {
  readonly title: string
  readonly kind: 'text' | 'number' | 'share' | 'time'
}

export type ReportCell = string | number | undefined

/** A table for every format. An `undefined` cell is unknown. */
export interface ReportTable {
  readonly title: string
  /** How to read it. */
  readonly note?: string
  readonly columns: readonly ReportColumn[]
  readonly rows: readonly (readonly ReportCell[])[]
  /** By what the rows are sorted, such as `by reads`. */
  readonly order?: string
  /** How many rows a page shows. Default: 500. */
  readonly most?: number
  /** What its rows hold, other tables hold too: CSV leaves it out. */
  readonly isView?: boolean
}

export const text = (title: string): ReportColumn => ({ title, kind: 'text' })
export const number = (title: string): ReportColumn => ({ title, kind: 'number' })
export const share = (title: string): ReportColumn => ({ title, kind: 'share' })
export const time = (title: string): ReportColumn => ({ title, kind: 'time' })

export function listed(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join(', ')
}
