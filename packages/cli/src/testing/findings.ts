import type { Finding, Section } from '../doctor/finding.ts'
import type { Outcome } from './run-program.ts'

/** The findings of a section that `doctor --json` printed, by their check. */
export function findingsOf({ stdout }: Pick<Outcome, 'stdout'>, section: string): Readonly<Record<string, Finding>> {
  const { sections } = JSON.parse(stdout) as { readonly sections: readonly Section[] } // printed by us
  const findings = sections.find(({ name }) => name === section)?.findings ?? []
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]))
}
