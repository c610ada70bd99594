import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey } from '@finchat/secrets-provider-local'
import type { Finding, Section } from '../doctor/finding.ts'
import { type Outcome, programIn, type ProgramIn } from './program-in.ts'
import { temporaryFolder } from './temporary-folder.ts'

export { type Outcome, programIn } from './program-in.ts'

export interface Program extends ProgramIn {
  readonly folder: string
  readonly key: string
}

/** A project with a local store, whose key is in `APP_KEY`. Its folder is removed after the tests. */
export function makeProgram(config: object = localConfig, env: Record<string, string> = {}): Program {
  const folder = temporaryFolder()
  const key = generateKey()
  writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(config))
  return { folder, key, ...programIn(folder, { APP_KEY: key, ...env }) }
}

export const localConfig = { provider: 'local', local: { key: { variable: 'APP_KEY' } } }

/** The findings of a section that `doctor --json` printed, by their check. */
export function findingsOf({ stdout }: Pick<Outcome, 'stdout'>, section: string): Readonly<Record<string, Finding>> {
  const { sections } = JSON.parse(stdout) as { readonly sections: readonly Section[] } // printed by us
  const findings = sections.find(({ name }) => name === section)?.findings ?? []
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]))
}
