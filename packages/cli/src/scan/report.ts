import type { Terminal } from '../terminal/terminal.ts'
import { printTable } from '../terminal/table.ts'
import type { Finding } from './scan-contents.ts'

/** What was found, without the value. */
export function reasonOf({ name, version, isCredential, form, rule }: Finding): string {
  if (rule !== undefined) return `a known form (${rule})`
  const written = form === 'plain' ? '' : ` as ${form}`
  if (isCredential) return `the credential ${name}${written}`
  return `the value of ${name}${version === undefined ? '' : `, version ${version}`}${written}`
}

export async function printFindings(findings: readonly Finding[], terminal: Terminal): Promise<void> {
  const rows = findings.map((finding) => [placeOf(finding), reasonOf(finding)])
  await printTable({ headings: ['place', 'found'], rows }, terminal)
}

function placeOf({ commit, path, line, column }: Finding): string {
  return `${commit === undefined ? '' : `${commit.slice(0, 12)}:`}${path}:${line}:${column}`
}
