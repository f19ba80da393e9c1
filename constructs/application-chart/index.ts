export * from './application-chart.ts';
