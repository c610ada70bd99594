// `pnpm examples`: runs what the documentation shows, against the sources, in a folder outside of
// the workspace.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { allExamples, readmesWithoutExample, unsafeExamples } from './examples.ts'
import { makeScratch, membersOf, readFiles, root, type Files } from './files.ts'
import { runExamples } from './run-examples.ts'

/** Links every package and what packages depend on, so that an example may import any of it. */
function linkPackages(files: Files, folder: string): void {
  for (const member of membersOf(files)) {
    const { name, dependencies, devDependencies, peerDependencies } = member.manifest
    link(join(root, member.folder), join(folder, 'node_modules', name))
    for (const dependency of Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })) {
      link(join(root, member.folder, 'node_modules', dependency), join(folder, 'node_modules', dependency))
    }
  }
}

function link(target: string, path: string): void {
  if (existsSync(path) || !existsSync(target)) return
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path)
}

const files = readFiles()
const folder = makeScratch('examples-')
try {
  const unsafe = unsafeExamples(files)
  if (unsafe.length > 0) throw new Error(`these name a path outside of their folder, so mark them \`ts check\`: ${unsafe.join(', ')}`)
  linkPackages(files, folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const examples = allExamples(files)
  const untried = readmesWithoutExample(files)
  const faults = await runExamples(examples, { folder, conditions: ['@finchat/source'] })
  for (const fault of [...untried.map((path) => `${path}: begins with no \`ts\` example`), ...faults]) console.error(fault)
  console.log(`${examples.length} examples ran`)
  process.exitCode = untried.length + faults.length > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}
