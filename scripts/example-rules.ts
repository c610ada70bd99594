// The rules of examples, which readers copy out of this repository.
import { membersOf, publicPackages, type Manifest } from './files.ts'
import { linksIn } from './links.ts'
import { caretsIn } from './range-rules.ts'
import type { Rule } from './structure-rules.ts'

const longestReadme = 60
/** The second: decorators and CommonJS are compiled. */
const starts: readonly string[] = ['node src/main.ts', 'tsc && node dist/main.js']

/** An example is a folder to copy: npm can install it, and its README says how to run it. */
export const examplesStandAlone: Rule = (files) => {
  const members = membersOf(files)
  const published = new Set(publicPackages(files).map(({ manifest }) => manifest.name))
  return members
    .filter(({ folder }) => folder.startsWith('examples/'))
    .flatMap((member) => {
      const readme = files.get(`${member.folder}/README.md`) ?? ''
      const faults = [...exampleManifestFaults(member.manifest, published), ...exampleReadmeFaults(readme)]
      return faults.map((fault) => `${member.folder}: ${fault}`)
    })
}

function exampleManifestFaults(manifest: Manifest, published: ReadonlySet<string>): string[] {
  const ranges = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  const start = Object(manifest['scripts']).start
  return [
    ...ranges
      .filter(([, range]) => caretsIn(range) === undefined)
      .map(([name, range]) => `npm cannot install ${name} ${range}, or only exactly`),
    ...ranges.filter(([name]) => name.startsWith('@finchat/') && !published.has(name)).map(([name]) => `${name} is not published`),
    ...(starts.includes(String(start)) ? [] : [`"start" must be ${starts.map((each) => `"${each}"`).join(' or ')}`]),
  ]
}

function exampleReadmeFaults(readme: string): string[] {
  const needed = [/^npm install$/m, /^npm start$/m, /^```text\n[^`]+^```$/m]
  return [
    ...needed.filter((pattern) => !pattern.test(readme)).map((pattern) => `README.md lacks ${pattern.source}`),
    ...(readme.split('\n').length > longestReadme ? [`README.md has more than ${longestReadme} lines`] : []),
    ...linksIn(readme)
      .filter((link) => link.startsWith('..'))
      .map((link) => `README.md: the link ${link} leaves the folder`),
  ]
}

export const exampleRules: readonly Rule[] = [examplesStandAlone]
