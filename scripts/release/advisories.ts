// The answer of `pnpm audit --json`.

export interface Audit {
  readonly faults: readonly string[]
  /** Why no registry answered; then nothing is known. */
  readonly notRun?: string
}

interface Answer {
  readonly advisories?: Readonly<Record<string, { readonly module_name: string; readonly severity: string; readonly title: string }>>
}

/** High and critical advisories are faults. An answer that is no JSON is none of an audit. */
export function auditOf(stdout: string, stderr: string): Audit {
  const answer = parsed(stdout)
  if (answer?.advisories === undefined) return { faults: [], notRun: reasonIn(stdout + stderr) }
  const grave = Object.values(answer.advisories).filter(({ severity }) => severity === 'high' || severity === 'critical')
  return { faults: grave.map(({ module_name: name, severity, title }) => `${name}: ${severity}: ${title}`) }
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer // pnpm's own answer
  } catch {
    return undefined
  }
}

/** Without the registry's address, which is this machine's own setting. */
function reasonIn(output: string): string {
  const status = /responded with (\d{3})/.exec(output)?.[1]
  return status === undefined ? 'no registry answered' : `the registry answered ${status}`
}
