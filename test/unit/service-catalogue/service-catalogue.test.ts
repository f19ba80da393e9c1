import { describe, expect, it } from 'vitest';
import { buildWaves, type ServiceCatalogue, serviceCatalogue } from '../../../model/service-catalogue.ts';

const catalogue: ServiceCatalogue = {
  services: ['query-api', 'a', 'b', 'c', 'd'].map((name) => ({ name, dockerfile: `docker/Dockerfile.${name}` })),
  watched: 'query-api',
};

describe('service catalogue', () => {
  it('builds at most so many at a time and the watched service alone at the end', () => {
    expect(buildWaves(catalogue, 3).map((wave) => wave.map(({ name }) => name))).toEqual([
      ['a', 'b', 'c'],
      ['d'],
      ['query-api'],
    ]);
  });

  it('names every problem at once', () => {
    const problems = () =>
      serviceCatalogue({
        services: [
          { name: 'Upper', dockerfile: 'Dockerfile' },
          { name: 'a', dockerfile: '/etc/passwd' },
          { name: 'a', dockerfile: 'Dockerfile', context: '..' },
        ],
        watched: 'gone',
      });
    expect(problems).toThrow(/"Upper" is no DNS label.*\/etc\/passwd.*stands there twice.*"\.\.".*"gone"/);
    expect(() => serviceCatalogue({ services: [], watched: 'x' })).toThrow(/no services/);
  });

  it('refuses waves of no builds', () => {
    expect(() => buildWaves(catalogue, 0)).toThrow(/whole number/);
  });
});
