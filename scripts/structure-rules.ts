// The rules of how this repository is laid out. Each takes its files and returns what is wrong, one
// line a fault.
import { folders } from './package-folders.ts'
import { basename, posix } from 'node:path'
import { entriesOf, isTestCode, membersOf, publicPackages, type Files, type Member } from './files.ts'
import { circlesOf, importGraphOf, roomOf, upwardImports } from './import-graph.ts'
import { importsOf } from './imports.ts'
import { linksIn, pathOf } from './links.ts'

export type Rule = (files: Files) => string[]

/**
 * A package holds its source, its tests' fixtures, its README with pictures, and three small files.
 */
export const sameFolder: Rule = (files) =>
  publicPackages(files).flatMap(({ folder }) => {
    const own = [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1))
    const missing = ['README.md', 'tsconfig.json', 'src/'].filter((needed) => !own.some((path) => path.startsWith(needed)))
    const allowed = /^((src|fixtures)\/.+|docs\/[^/]+\.png|README\.md|CHANGELOG\.md|package\.json|tsconfig\.json)$/
    const extra = own.filter((path) => !allowed.test(path))
    return [
      ...missing.map((path) => `${folder}/${path} is missing`),
      ...extra.map((path) => `${folder}/${path} does not belong in a package`),
    ]
  })

/**
 * scripts/bundle.ts builds the published code: code that `tsc -b` writes would be published too.
 */
export const declarationsOnly: Rule = (files) =>
  publicPackages(files).flatMap(({ folder }) => {
    const path = `${folder}/tsconfig.json`
    const isRight = /"extends": "..\/..\/tsconfig.published.json"/.test(files.get(path) ?? '')
    return isRight ? [] : [`${path} must extend ../../tsconfig.published.json`]
  })

/** `tsc -b` at the root checks everything; all examples are one project. */
export const everythingTypeChecked: Rule = (files) => {
  const referenced = files.get('tsconfig.json') ?? ''
  const isReferenced = (folder: string): boolean => referenced.includes(`"${folder.replace(/^examples\/.*/, 'examples')}"`)
  const unchecked = membersOf(files).filter(({ folder }) => !isReferenced(folder))
  return unchecked.map(({ folder }) => `tsconfig.json: ${folder} is missing among the references`)
}

/**
 * examples, benchmarks, tests -> cli -> provider-*, cache-keyv, audit, otel, rotation, testkit -> core. No import
 * points sideways or back. tests/servers serves tests, examples and benchmarks. It imports no
 * package, and no published source imports it. tests/resilience uses the recipes of tests/rotation,
 * and tests/examples the examples.
 */
const layers = [
  /^tests\/servers$/,
  /^packages\/core$/,
  /^packages\/(provider-[a-z0-9-]+|cache-keyv|audit|otel|rotation|testkit|create-[a-z0-9-]+)$/,
  /^packages\/cli$/,
  /^tests\/rotation$/,
  /^(benchmarks|tests\/(manager|otel|resilience)|examples\/[^/]+)$/,
  /^tests\/examples$/,
]
const layerOf = (folder: string): number => layers.findIndex((layer) => layer.test(folder))

export const importsRunOneWay: Rule = (files) => {
  const members = membersOf(files)
  return members.flatMap((member) => {
    if (layerOf(member.folder) === -1) return [`${member.folder}: give it a layer in scripts/structure-rules.ts`]
    return sourcesOf(files, member).flatMap(([path, text]) =>
      importsOf(text).flatMap((specifier) => importFaults(members, member, path, specifier).map((fault) => `${path}: ${fault}`)),
    )
  })
}

function importFaults(members: Member[], own: Member, path: string, specifier: string): string[] {
  if (specifier.startsWith('.')) {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1)
    return target.startsWith(`${own.folder}/`) ? [] : [`'${specifier}' leaves the package`]
  }
  const other = members.find(({ manifest }) => isOrIsBelow(specifier, manifest.name))
  if (!other) return []
  const isTestServers = other.folder === 'tests/servers'
  const mayTest = isTestCode(path) && (isTestServers || (other.folder === 'packages/testkit' && own.folder !== 'packages/core'))
  const isDown = layerOf(other.folder) < layerOf(own.folder) && !(isTestServers && own.folder.startsWith('packages/'))
  return isDown || mayTest || other === own ? [] : [`must not import '${specifier}': imports run one way`]
}

/** A published source imports what its users get with it: its dependencies and `node:` modules. */
export const importsAreDeclared: Rule = (files) =>
  publicPackages(files).flatMap((member) => {
    const { name, dependencies, peerDependencies } = member.manifest
    const known = [name, ...Object.keys({ ...dependencies, ...peerDependencies })]
    const published = sourcesOf(files, member).filter(([path]) => !isTestCode(path))
    return published.flatMap(([path, text]) =>
      importsOf(text)
        .filter((specifier) => !/^(\.|node:)/.test(specifier) && !known.some((dependency) => isOrIsBelow(specifier, dependency)))
        .map((specifier) => `${path}: '${specifier}' is not among the dependencies of ${name}`),
    )
  })

const mostSources = 15

/**
 * Inside a package imports point down, from folder to folder; no files import each other in a
 * circle; no folder holds too many.
 */
export const foldersPointDown = (files: Files, lists: typeof folders = folders): string[] => {
  const packages = publicPackages(files).map(({ folder }) => folder)
  const unknown = Object.keys(lists).filter((folder) => !packages.includes(folder))
  const unlisted = packages.filter((folder) => !lists[folder])
  return [
    ...unknown.map((folder) => `scripts/package-folders.ts: \`folders\` names ${folder}, which is not a package`),
    ...unlisted.map((folder) => `${folder}: list its folders in \`folders\` of scripts/package-folders.ts`),
    ...packages.flatMap((folder) => folderFaults(files, folder, lists[folder])),
  ]
}

function folderFaults(files: Files, folder: string, rooms: readonly string[] | undefined): string[] {
  if (!rooms) return []
  const graph = importGraphOf(files, folder)
  const sources = Map.groupBy(graph.keys(), (path) => roomOf(folder, path))
  const isThere = (room: string): boolean =>
    sources.has(room) || [...files.keys()].some((path) => path.startsWith(`${folder}/src/${room}/`))
  return [
    ...rooms.filter((room) => !isThere(room)).map((room) => `${folder}: \`folders\` lists '${room}', which holds no file`),
    ...[...sources.keys()].filter((room) => !rooms.includes(room)).map((room) => `${folder}/src/${room}: give it a place in \`folders\``),
    ...[...sources].flatMap(([room, { length }]) =>
      length > mostSources ? [`${folder}/src/${room}: ${length} sources, at most ${mostSources}`] : [],
    ),
    ...upwardImports(graph, folder, rooms).map(({ from, to }) => `${from}: must not import ${to}: its folder is higher`),
    ...circlesOf(graph).map((circle) => `${folder}: a circle of imports: ${circle.join(', ')}`),
  ]
}

/**
 * ARCHITECTURE.md says in one line what each folder of a package holds, under a heading with the
 * package's name.
 */
export const foldersAreDescribed = (files: Files, lists: typeof folders = folders): string[] => {
  const sections = (files.get('ARCHITECTURE.md') ?? '').split(/^#+ /m)
  return Object.entries(lists).flatMap(([folder, rooms]) => {
    const section = sections.find((text) => text.startsWith(`${basename(folder)}\n`)) ?? ''
    const missing = rooms.filter((room) => room !== 'testing' && !section.includes(`| \`${room}\``))
    return missing.map((room) => `ARCHITECTURE.md: says nothing of '${room}' of ${folder}`)
  })
}

/** A document names no package, entry or test, and links to no file, that does not exist. */
export const documentedPathsExist: Rule = (files) => {
  const documents = [...files].filter(([path]) => path.endsWith('.md') && !path.endsWith('CHANGELOG.md'))
  return documents.flatMap(([path, text]) => {
    const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '')
    const missing = [...missingSpecifiers(files, text), ...missingTests(files, prose), ...missingTargets(files, path, prose)]
    return [...new Set(missing)].map((name) => `${path}: there is no '${name}'`)
  })
}

function missingSpecifiers(files: Files, text: string): string[] {
  const members = membersOf(files)
  const existing = new Set(members.flatMap((member) => [member.manifest.name, ...entriesOf(member)]))
  const named = text.match(/(?<!npm create )@finchat\/secrets-[a-z0-9]+(?:[-/][a-z0-9]+)*(?![\w/*-])/g) ?? []
  return named.filter((specifier) => !existing.has(specifier) && !isSchema(files, members, specifier) && !isProgram(members, specifier))
}

/** The path of a program, which Node.js runs from the installed package. */
function isProgram(members: readonly Member[], specifier: string): boolean {
  const programs = members.flatMap(({ manifest: { name, bin = {} } }) => Object.values(bin).map((path) => name + path.slice(1)))
  return programs.includes(`${specifier}.js`)
}

/** A path to a published JSON schema, which editors read from the installed package. */
function isSchema(files: Files, members: readonly Member[], specifier: string): boolean {
  const owner = members.find(({ manifest }) => specifier.startsWith(`${manifest.name}/`))
  return owner !== undefined && files.has(`${owner.folder}${specifier.slice(owner.manifest.name.length)}.schema.json`)
}

function missingTests(files: Files, prose: string): string[] {
  const named = [...prose.matchAll(/`([\w./-]+\.test\.ts)`/g)].flatMap(([, name]) => name ?? [])
  const exists = (name: string): boolean => [...files.keys()].some((path) => `/${path}`.endsWith(`/${name}`))
  return named.filter((name) => name !== 'x.test.ts' && !exists(name))
}

function missingTargets(files: Files, path: string, prose: string): string[] {
  const paths = linksIn(prose).flatMap((link) => pathOf(link, posix.dirname(path)))
  const exists = (target: string): boolean => [...files.keys()].some((file) => file === target || file.startsWith(`${target}/`))
  return paths.filter((target) => !exists(target.replace(/\/$/, '')))
}

/** Where packages come from is each machine's own setting. */
export const noRegistryHost: Rule = (files) => {
  const host = /\b(registry|npm)\.[a-z0-9-]+\.(com|org|io|dev|net)\b|\bpyp[i]\.org\b|\bpython[h]osted\b/
  return [...files].flatMap(([path, text]) => {
    const found = text.match(host)?.[0]
    return found ? [`${path}: names the registry host ${found}`] : []
  })
}

export const rules: readonly Rule[] = [
  sameFolder,
  declarationsOnly,
  everythingTypeChecked,
  importsRunOneWay,
  importsAreDeclared,
  foldersPointDown,
  foldersAreDescribed,
  documentedPathsExist,
  noRegistryHost,
]

function sourcesOf(files: Files, { folder }: Member): [string, string][] {
  return [...files].filter(([path]) => path.startsWith(`${folder}/`) && /\.[cm]?[jt]s$/.test(path))
}

/** Whether it is the package `name` or one of its entries. */
function isOrIsBelow(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`)
}
