// The rules of a package's page on npm.
import { publicPackages, type Files, type Member } from './files.ts'
import { isAbsolute, linksIn, repositoryUrl, undefinedLabels } from './links.ts'
import type { Rule } from './structure-rules.ts'

/** A README is read on npm, too: its links are absolute, and it names every other package. */
export const readmesStandAlone: Rule = (files) => {
  const packages = publicPackages(files)
  return packages.flatMap((member) => readmeFaults(files, member, packages).map((fault) => `${member.folder}/README.md: ${fault}`))
}

function readmeFaults(files: Files, { folder }: Member, packages: readonly Member[]): string[] {
  const text = files.get(`${folder}/README.md`) ?? ''
  const links = linksIn(text)
  // Who writes a provider is sent to the generator by the guide and the testkit.
  const siblings = packages.filter((other) => other.folder !== folder && !other.folder.startsWith('packages/create-'))
  return [
    ...links.filter((link) => !isAbsolute(link) && !link.startsWith('#')).map((link) => `the link ${link} must be absolute`),
    ...undefinedLabels(text).map((label) => `no link is given for [${label}]`),
    ...siblings
      .map((other) => `${repositoryUrl}/tree/main/${other.folder}`)
      .filter((url) => !links.includes(url))
      .map((url) => `must link to ${url}`),
  ]
}

const fewestKeywords = 5

/** What `npm search` finds a package by. */
export const keywordsAreGiven: Rule = (files) =>
  publicPackages(files).flatMap(({ folder, manifest }) => {
    const keywords = Array.isArray(manifest['keywords']) ? manifest['keywords'] : []
    const isFound = keywords.length >= fewestKeywords && keywords.includes('secrets manager')
    return isFound ? [] : [`${folder}/package.json: "keywords" must be ${fewestKeywords} or more, with "secrets manager"`]
  })

export const pageRules: readonly Rule[] = [readmesStandAlone, keywordsAreGiven]
