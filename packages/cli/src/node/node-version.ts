// Older versions of Node.js must be able to read this file: it imports nothing.

/** The oldest version that the packages run on: major and minor. */
export const leastNode: readonly [major: number, minor: number] = [22, 19]

/** Where a program runs, as far as this file looks at it. */
interface Program {
  readonly versions: { readonly node: string }
  readonly argv: readonly string[]
  readonly stderr: { readonly write: (text: string) => unknown }
}

export function isRecentNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])
}

/** Says that this Node.js is too old, as any other failure is said. Returns the exit code, or 0 if it is not. */
export function refuseOldNode({ versions, argv, stderr }: Program): number {
  if (isRecentNode(versions.node)) return 0
  const what = 'nothing was started'
  const why = `it needs Node.js ${leastNode.join('.')} or later, this is ${versions.node}`
  const remedy = 'install the newest LTS version of Node.js'
  const failure = { what, why, remedy, code: 'CONFIGURATION', exitCode: 70 }
  stderr.write(argv.includes('--json') ? `${JSON.stringify({ error: failure })}\n` : `error: ${what}\nwhy:   ${why}\nfix:   ${remedy}\n`)
  return failure.exitCode
}
