import type { Check } from './project.ts'

/** Rows and columns in the order of the checks; `–` where there is none. */
export function tableOf(title: string, checks: readonly Check[]): string {
  const columns = [...new Set(checks.map(({ column }) => column))]
  const rows = [...new Set(checks.map(({ row }) => row))].map((row) => [
    row,
    ...columns.map((column) => cellOf(checks.find((check) => check.row === row && check.column === column))),
  ])
  const lines = [[title, ...columns], ...rows]
  const widths = [title, ...columns].map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  return (
    lines
      .map((line) =>
        line
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n') + '\n'
  )
}

function cellOf(check: Check | undefined): string {
  return check ? `${check.faults.length === 0 ? '✓' : '✗'} ${check.shown}` : '–'
}
