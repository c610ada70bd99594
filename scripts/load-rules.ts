// The rules of what published packages load, and how.
import { basename } from 'node:path'
import { isTestCode, publicPackages, type Files, type Member } from './files.ts'
import type { Rule } from './structure-rules.ts'

/**
 * A published source imports on use only through `loadOnUse`, whose error says whether a package is
 * not installed, bundled so that it cannot be loaded, or broken.
 */
export const loadsSayWhatFailed: Rule = (files) =>
  publicPackages(files).flatMap((member) =>
    publishedSources(files, member).flatMap(([path, text]) =>
      bareLoads(isProgram(member, path) ? withoutOwn(text) : text).map((line) => `${path}:${line}: load it by loadOnUse`),
    ),
  )

/** A program loads its other files once it knows that this Node.js can. */
function isProgram({ folder, manifest }: Member, path: string): boolean {
  return Object.values(manifest.bin ?? {}).some((built) => `${folder}/src/${basename(built, '.js')}.ts` === path)
}

const withoutOwn = (text: string): string => text.replaceAll(/\bimport\('\.\//g, "own('./")

/**
 * Jest compiles a package to CommonJS, which has no `import.meta`. Programs find their own files by
 * it, and are not imported.
 */
export const noImportMeta: Rule = (files) =>
  publicPackages(files)
    .filter(({ manifest }) => manifest.bin === undefined)
    .flatMap((member) => publishedSources(files, member))
    .filter(([, text]) => /\bimport\.meta\b/.test(withoutComments(text)))
    .map(([path]) => `${path}: import.meta, which Jest cannot compile; let the bundler inline what is needed`)

/** The oldest Node.js that packages run on does not know `using`, and the bundler leaves it as it is. */
export const noUsing: Rule = (files) =>
  publicPackages(files)
    .flatMap((member) => publishedSources(files, member))
    .filter(([, text]) => /^\s*(?:await )?using [\w$]+ =/m.test(text))
    .map(([path]) => `${path}: \`using\`, which Node.js 22 does not know; end it by \`finally\``)

export const loadRules: readonly Rule[] = [loadsSayWhatFailed, noImportMeta, noUsing]

function publishedSources(files: Files, { folder }: Member): [string, string][] {
  return [...files].filter(([path]) => path.startsWith(`${folder}/src/`) && path.endsWith('.ts') && !isTestCode(path))
}

const withoutComments = (text: string): string => text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')

/** Lines with a call of `import`, in code, that is not an argument of `loadOnUse`. */
function bareLoads(text: string): number[] {
  const code = withoutComments(text)
  const calls = [...code.matchAll(/(?<!typeof |satisfies |[\w$])import\(/g)]
  return calls
    .filter(({ index }) => !/\bloadOnUse\([^;]*$/.test(code.slice(0, index)))
    .map(({ index }) => code.slice(0, index).split('\n').length)
}
