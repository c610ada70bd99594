import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { namesOf, UsageError, type Names } from './names.ts'

/** Each file that is written, by the template that it is made from. */
const templates: Readonly<Record<string, string>> = {
  'README.md': 'README.md.txt',
  'package.json': 'package.json.txt',
  'tsconfig.json': 'tsconfig.json.txt',
  'tsconfig.build.json': 'tsconfig.build.json.txt',
  '.oxlintrc.json': 'oxlintrc.json.txt',
  '.gitignore': 'gitignore.txt',
  'src/provider.ts': 'provider.ts.txt',
  'src/provider.test.ts': 'provider-test.ts.txt',
  'src/stub-store.ts': 'stub-store.ts.txt',
}

/**
 * Writes a provider with its tests into a new or empty folder, named as the package without its scope.
 *
 * @param name - the package: `my-store` or `@acme/my-store`
 * @param parent - the folder in which the new one is made
 * @returns the paths that were written, from the new folder
 * @throws {@link UsageError} if npm refuses the name, or the folder is not empty
 */
export async function writeProvider(name: string, parent: string = process.cwd()): Promise<readonly string[]> {
  const names = namesOf(name)
  const folder = join(parent, names.folder)
  await requireEmpty(folder, names.folder)
  for (const [path, template] of Object.entries(templates)) {
    const text = await readFile(new URL(`../src/template/${template}`, import.meta.url), 'utf8')
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), filled(text, names), { flag: 'wx' })
  }
  return Object.keys(templates)
}

async function requireEmpty(folder: string, shown: string): Promise<void> {
  try {
    const found = await readdir(folder)
    if (found.length === 0) return
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), 'code')
    if (code === 'ENOENT') return
    if (code !== 'ENOTDIR') throw error
  }
  throw new UsageError(`${shown} is not an empty folder: give another name, or empty it`)
}

function filled(text: string, names: Names): string {
  return text.replaceAll(/@(package|store|camel|pascal|upper)@/g, (_, key: keyof Names) => names[key])
}
