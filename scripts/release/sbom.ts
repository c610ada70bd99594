// The bill of materials of a package, CycloneDX in JSON, as pnpm writes it.
import type { Member } from '../files.ts'

interface Component {
  readonly group?: string
  readonly name: string
  readonly version?: string
  readonly licenses?: readonly unknown[]
}

interface Bom {
  readonly bomFormat?: string
  readonly metadata?: { readonly component?: Component }
  readonly components?: readonly Component[]
}

/** The file that pnpm writes for a package. */
export function sbomFile(name: string): string {
  return `${name.replace('@', '').replace('/', '-')}.json`
}

/** What is wrong: it must be of this package and version, and name each dependency with its licence. */
export function sbomFaults({ folder, manifest }: Member, text: string): string[] {
  const { bomFormat, metadata, components = [] } = JSON.parse(text) as Bom
  const named = new Set(components.map(nameOf))
  const missing = Object.keys(manifest.dependencies ?? {}).filter((name) => !named.has(name))
  const bare = components.filter(({ version, licenses = [] }) => version === undefined || licenses.length === 0)
  const faults = [
    ...(bomFormat === 'CycloneDX' ? [] : ['it is no CycloneDX']),
    ...(metadata?.component && isOf(metadata.component, manifest) ? [] : [`it is not of ${manifest.name}@${manifest.version}`]),
    ...missing.map((name) => `it lacks the dependency ${name}`),
    ...bare.map((component) => `${nameOf(component)} has no version or no licence in it`),
    ...(/"file:|\/home\/|\/Users\//.test(text) ? ['it has paths of this machine'] : []),
  ]
  return faults.map((fault) => `the SBOM of ${folder}: ${fault}`)
}

const nameOf = ({ group, name }: Component): string => (group === undefined ? name : `${group}/${name}`)

function isOf(component: Component, { name, version }: Member['manifest']): boolean {
  return nameOf(component) === name && component.version === version
}
