// The rules of a published package's manifest.
import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { publicPackages, type Manifest, type Member } from './files.ts'
import { repositoryUrl } from './links.ts'
import type { Rule } from './structure-rules.ts'

/**
 * Every published package has the same manifest, but for its name, its words and its dependencies.
 */
export const sameManifest: Rule = (files) => publicPackages(files).flatMap(manifestFaults)

function manifestFaults(member: Member): string[] {
  const { folder, manifest } = member
  const wrong = Object.entries(commonFields(member)).filter(([field, expected]) => !isDeepStrictEqual(manifest[field], expected))
  const faults = wrong.map(([field, expected]) => `"${field}" must be ${JSON.stringify(expected)}`)
  if (!manifest['description']) faults.push('"description" is missing')
  if (!manifest.exports && !manifest.bin) faults.push('"exports" is missing')
  const further = [...exportFaults(manifest.exports ?? {}), ...publishedExportFaults(manifest), ...legacyFaults(manifest)]
  return [...faults, ...further].map((fault) => `${folder}/package.json: ${fault}`)
}

/** Entries for `node --import`: they act on the process, so that none of them is required or left out by a bundler. */
export const preloads: readonly string[] = ['./register']

function commonFields({ folder, manifest }: Member): Record<string, unknown> {
  const acting = Object.keys(manifest.exports ?? {}).filter((subpath) => preloads.includes(subpath))

  return {
    name: packageName(basename(folder)),
    license: 'MIT',
    type: 'module',
    sideEffects:
      acting.length === 0 ? false : acting.flatMap((subpath) => [`./dist/${subpath.slice(2)}.js`, `./src/${subpath.slice(2)}.ts`]),
    engines: { node: '>=22.19' },
    homepage: `${repositoryUrl}/tree/main/${folder}#readme`,
    bugs: `${repositoryUrl}/issues`,
    repository: { type: 'git', url: `git+${repositoryUrl}.git`, directory: folder },
    files: ['dist', 'src', '!src/**/*.test.ts', '!src/testing', '!dist/**/*.test.*', '!dist/testing', '!dist/.tsbuildinfo', 'CHANGELOG.md'],
    scripts: { build: 'tsc -b && node ../../scripts/bundle.ts' },
  }
}

/**
 * Each entry is one source file, which our own tools read under `@finchat/source` and everyone else
 * as built.
 */
function exportFaults(exports: NonNullable<Manifest['exports']>): string[] {
  return Object.entries({ './package.json': undefined, ...exports }).flatMap(([subpath, target]) => {
    if (subpath === './package.json') return target === subpath ? [] : ['"exports" must have "./package.json"']
    const module = subpath === '.' ? 'index' : subpath.slice(2)
    const built = `./dist/${module}`
    const expected = {
      '@finchat/source': `./src/${module}.ts`,
      ...(preloads.includes(subpath) ? {} : { require: { types: `${built}.d.cts`, default: `${built}.cjs` } }),
      types: `${built}.d.ts`,
      default: `${built}.js`,
    }
    const sameOrder = JSON.stringify(target) === JSON.stringify(expected) // conditions are tried in order
    return sameOrder ? [] : [`"exports" must have "${subpath}": ${JSON.stringify(expected)}`]
  })
}

/**
 * pnpm puts `publishConfig.exports` in the place of `exports` when it packs: a reader who names the
 * condition `@finchat/source` would compile our sources.
 */
function publishedExportFaults({ exports = {}, publishConfig }: Manifest): string[] {
  const expected = { exports: publishedExports(exports) }
  const isSame = JSON.stringify(publishConfig) === JSON.stringify(expected) // conditions are tried in order
  return isSame ? [] : [`"publishConfig" must be ${JSON.stringify(expected)}`]
}

export function publishedExports(exports: NonNullable<Manifest['exports']>): Record<string, unknown> {
  const isOurs = ([condition]: readonly [string, unknown]): boolean => condition === '@finchat/source'
  return Object.fromEntries(
    Object.entries(exports).map(([subpath, target]) => [
      subpath,
      typeof target === 'object' && target !== null ? Object.fromEntries(Object.entries(target).filter((each) => !isOurs(each))) : target,
    ]),
  )
}

/**
 * What knows no `exports`, such as TypeScript's `node10`, reads these fields. It finds the types of
 * further entries by `typesVersions` only.
 */
function legacyFaults(manifest: Manifest): string[] {
  const entries = Object.keys(manifest.exports ?? {}).filter((subpath) => subpath !== './package.json')
  const further = entries.filter((subpath) => subpath !== '.').map((subpath) => subpath.slice(2))
  const hasMain = entries.includes('.')
  const expected = {
    main: hasMain ? './dist/index.cjs' : undefined,
    types: hasMain ? './dist/index.d.ts' : undefined,
    typesVersions: further.length > 0 ? { '*': Object.fromEntries(further.map((name) => [name, [`./dist/${name}.d.ts`]])) } : undefined,
  }
  const wrong = Object.entries(expected).filter(([field, value]) => !isDeepStrictEqual(manifest[field], value))
  return wrong.map(([field, value]) => `"${field}" must be ${JSON.stringify(value) ?? 'absent'}`)
}

export const manifestRules: readonly Rule[] = [sameManifest]

/** npm looks for `npm create @finchat/secrets-provider` as `@finchat/create-secrets-provider`. */
function packageName(folder: string): string {
  return folder.startsWith('create-') ? `@finchat/${folder}` : `@finchat/secrets-${folder}`
}
