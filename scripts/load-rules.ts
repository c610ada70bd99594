// The rule of what published packages load on use.
import { isTestCode, publicPackages } from './files.ts'
import type { Rule } from './structure-rules.ts'

/**
 * A published source imports on use only through `loadOnUse`, whose error says whether a package is
 * not installed, bundled so that it cannot be loaded, or broken.
 */
export const loadsSayWhatFailed: Rule = (files) =>
  publicPackages(files).flatMap(({ folder }) => {
    const sources = [...files].filter(([path]) => path.startsWith(`${folder}/src/`) && path.endsWith('.ts') && !isTestCode(path))
    return sources.flatMap(([path, text]) => bareLoads(text).map((line) => `${path}:${line}: load it by loadOnUse`))
  })

export const loadRules: readonly Rule[] = [loadsSayWhatFailed]

/** Lines with a call of `import`, in code, that is not an argument of `loadOnUse`. */
function bareLoads(text: string): number[] {
  const code = text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const calls = [...code.matchAll(/(?<!typeof |satisfies |[\w$])import\(/g)]
  return calls
    .filter(({ index }) => !/\bloadOnUse\([^;]*$/.test(code.slice(0, index)))
    .map(({ index }) => code.slice(0, index).split('\n').length)
}
