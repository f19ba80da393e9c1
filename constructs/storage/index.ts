export * from './nfs-volume.ts';
export * from './share-directories.ts';
