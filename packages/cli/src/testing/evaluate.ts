import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

const nobody = 65_534

/**
 * What a function of a module returns in a process of its own: `asNobody` without the rights of
 * root, and without the folders of packages that a runner of tests adds.
 */
export function evaluate(path: string, name: string, args: readonly unknown[], asNobody = false): unknown {
  const leave = asNobody && process.getuid?.() === 0 ? `process.setgroups([]); process.setgid(${nobody}); process.setuid(${nobody})` : ''
  const program = `
    const { ${name} } = await import(${JSON.stringify(pathToFileURL(path).href)})
    ${leave}
    console.log(JSON.stringify(${name}(...${JSON.stringify(args)})))`
  const { stdout } = spawnSync(process.execPath, ['--conditions=@finchat/source', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
    env: { PATH: '' },
  })
  return JSON.parse(stdout)
}
