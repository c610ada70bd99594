let loaded: typeof import('node:crypto') | undefined

/** `node:crypto`, loaded by its first use: it takes as long to import as half of this package. */
export function crypto(): typeof import('node:crypto') {
  return (loaded ??= process.getBuiltinModule('node:crypto'))
}
